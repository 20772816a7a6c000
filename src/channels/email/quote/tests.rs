mod native;
mod rules;
mod talon;
