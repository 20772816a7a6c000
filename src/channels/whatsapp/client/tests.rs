mod files;
mod kinds;
mod limits;
mod numbers;
mod sending;
mod server;
mod weather;
