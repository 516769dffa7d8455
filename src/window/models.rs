//! The lists that the pages show, changed in place: what has the focus or is chosen stays so.

use super::sets::Picture;
use super::ui::{Cell, CellRow};
use slint::{Model, ModelRc, SharedString, VecModel};
use std::cell::RefCell;
use std::rc::Rc;

/// A picture of sets, as it is shown.
#[derive(Default)]
pub struct Sheet {
    /// The short names above the cells.
    pub names: Rc<VecModel<SharedString>>,
    /// A row of cells for each place.
    pub rows: Rc<VecModel<CellRow>>,
    cells: RefCell<Vec<Rc<VecModel<Cell>>>>,
}

impl Sheet {
    /// Shows `picture`.
    pub fn fill(&self, picture: Picture) {
        refill(&self.names, picture.names.into_iter().map(SharedString::from).collect());
        let mut cells = self.cells.borrow_mut();
        cells.resize_with(picture.rows.len(), Rc::default);
        let rows = picture.rows.into_iter().zip(cells.iter()).map(|((place, row), shown)| {
            refill(shown, row);
            CellRow { place: place.into(), cells: shown.clone().into() }
        });
        refill(&self.rows, rows.collect());
    }
}

/// Changes only the rows that are different: what has the focus or is chosen stays so.
pub fn refill<T: Clone + PartialEq + 'static>(model: &VecModel<T>, rows: Vec<T>) {
    while model.row_count() > rows.len() {
        model.remove(model.row_count() - 1);
    }
    for (at, row) in rows.into_iter().enumerate() {
        match model.row_data(at) {
            Some(shown) if shown == row => {}
            Some(_) => model.set_row_data(at, row),
            None => model.push(row),
        }
    }
}

/// A list of texts as pages take it.
pub fn strings(list: Vec<String>) -> ModelRc<SharedString> {
    model(list.into_iter().map(SharedString::from).collect())
}

/// A list as pages take it.
pub fn model<T: Clone + 'static>(list: Vec<T>) -> ModelRc<T> {
    ModelRc::new(VecModel::from(list))
}
