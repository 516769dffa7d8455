//! The 24 hours and the weekdays: names, order, what a new backup replaces.
