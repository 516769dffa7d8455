//! The window in every state: as data, by its buttons, and in pictures.

mod buttons;
mod contrast;
mod keyboard;
mod looks;
mod made_up;
mod outside;
mod pictures;
mod problems;
mod restoring;
mod sight;
mod trials;
mod views;
