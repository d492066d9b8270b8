/// Places whose surroundings have changed, each once.
#[derive(Default)]
pub(super) struct Changed {
    stack: Vec<u16>,
    is_on: Vec<bool>,
}

impl Changed {
    pub fn among(places: usize) -> Self {
        Self { stack: Vec::new(), is_on: vec![false; places] }
    }

    pub fn push(&mut self, place: u16) {
        if !std::mem::replace(&mut self.is_on[usize::from(place)], true) {
            self.stack.push(place);
        }
    }

    pub fn pop(&mut self) -> Option<u16> {
        let place = self.stack.pop()?;
        self.is_on[usize::from(place)] = false;
        Some(place)
    }

    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }
}
