#![doc = include_str!("../README.md")]

pub mod place;

mod migrations;

pub mod any;

pub mod keys;

pub mod heads;

pub mod audit;

pub mod error;

pub mod conformance;

pub use any::Database;
pub use audit::{audit, export, first_position_at, line};
pub use error::Error;
pub use heads::{SignedHead, checkpoint, export_head, verify_head};
pub use keys::SigningKeys;
pub use place::Place;
