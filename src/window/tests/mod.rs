//! The window in every state: as data, by its buttons, and in pictures.

mod buttons;
mod made_up;
mod outside;
mod pictures;
mod problems;
mod restoring;
mod trials;
mod views;
