//! Whole incidents and the repository's own rules, in one binary so that the workspace links once.

mod approvals;
mod bad_input;
mod browser;
mod by_hand;
mod clicks;
mod commands;
mod console;
mod crashes;
mod incidents;
mod layers;
mod lines;
mod mistakes;
mod model;
mod odd_files;
mod policies;
mod questions;
mod restarts;
mod runbook_documents;
mod runbooks;
mod serve;
mod shipped;
mod sign_in;
mod starts;
mod tenants;
mod tidy;
mod tokens;
