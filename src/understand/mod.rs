//! What a turn means: language, category, urgency, mood and signals, each with its evidence.

pub mod language;
