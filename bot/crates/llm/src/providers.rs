//! The list of providers. Adding one is a file here and its constructor in `lib.rs`.

pub mod openai;
