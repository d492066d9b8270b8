use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::CallerAddress;

/// Counts open connections, in all and by address.
pub(super) struct Capacity {
    max: usize,
    max_per_address: Option<usize>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<CallerAddress, usize>,
}

/// A connection's place, given back when dropped.
pub(super) struct Permit {
    capacity: Arc<Capacity>,
    address: CallerAddress,
}

impl Capacity {
    pub fn new(max: usize, max_per_address: Option<usize>) -> Self {
        Self { max, max_per_address, open: Mutex::default() }
    }

    /// A place for one more connection. The error says what is full.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Permit, &'static str> {
        let address = CallerAddress::of_peer(peer);
        let mut open = self.lock();
        if open.all >= self.max {
            return Err("all");
        }
        if let Some(max) = self.max_per_address {
            let of_address = open.by_address.entry(address).or_default();
            if *of_address >= max {
                return Err("address");
            }
            *of_address += 1;
        }
        open.all += 1;
        metrics::gauge!("connections_open").set(open.all as f64);
        Ok(Permit { capacity: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.capacity.lock();
        open.all -= 1;
        if let Entry::Occupied(mut of_address) = open.by_address.entry(self.address) {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
        metrics::gauge!("connections_open").set(open.all as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_in_all_and_by_address_and_come_back() {
        let capacity = Arc::new(Capacity::new(3, Some(2)));
        let first = capacity.admit(address("203.0.113.1")).ok().unwrap();
        let _second = capacity.admit(address("203.0.113.1")).ok().unwrap();
        assert_eq!(capacity.admit(address("203.0.113.1")).err(), Some("address"));
        let third = capacity.admit(address("203.0.113.2")).ok().unwrap();
        assert_eq!(capacity.admit(address("203.0.113.3")).err(), Some("all"));
        drop(third);
        assert_eq!(capacity.admit(address("203.0.113.1")).err(), Some("address"));
        drop(first);
        assert!(capacity.admit(address("203.0.113.1")).is_ok());
        assert_eq!(capacity.lock().by_address.len(), 1);
    }

    #[test]
    fn a_v6_network_is_one_address() {
        let capacity = Arc::new(Capacity::new(9, Some(1)));
        let _first = capacity.admit(address("2001:db8::1")).ok().unwrap();
        assert_eq!(capacity.admit(address("2001:db8::2")).err(), Some("address"));
        assert!(capacity.admit(address("2001:db8:0:1::1")).is_ok());
    }
}
