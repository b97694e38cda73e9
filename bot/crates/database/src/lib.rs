#![doc = include_str!("../README.md")]

pub mod place;

mod migrations;

pub mod any;

pub mod sessions;

pub mod keys;

pub mod sealed;

pub mod heads;

pub mod audit;

pub mod error;

pub mod conformance;

pub use any::Database;
pub use audit::{audit, export, first_position_at, line};
pub use error::Error;
pub use heads::{SignedHead, checkpoint, checkpoint_in, export_head, verify_head};
pub use keys::rotation::rotate as rotate_signing_key;
pub use keys::{MasterKeys, PublicKeys, SigningKeys};
pub use place::Place;
pub use sealed::Sealed;
