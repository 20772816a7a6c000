//! What people are told in words about a ticket: the package it is handed over with, and notifications.
//!
//! Pure: everything comes in as values, and nothing is said that the ticket, the policy or the trail does not hold.

pub mod handover;
pub mod notification;
pub mod telling;
pub mod words;
