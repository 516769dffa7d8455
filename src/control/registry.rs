//! Who is connected, and who must make room: connections are bounded, and shared out per user, so that nobody can keep the
//! others out. Pure.

use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub total: usize,
    /// Of one user.
    pub per_user: usize,
}

/// Names a connection; higher is younger.
pub type ConnectionId = u64;

#[derive(Debug)]
struct Entry {
    user: String,
    idle: bool,
    leave: CancellationToken,
}

/// The connections of the moment.
#[derive(Debug)]
pub struct Registry {
    room: Room,
    entries: HashMap<ConnectionId, Entry>,
    last: ConnectionId,
}

impl Registry {
    /// Nobody yet.
    pub fn new(room: Room) -> Self {
        Self { room, entries: HashMap::new(), last: 0 }
    }

    /// Lets a user in; where it is full, the longest idle connection of whoever has the most of them must leave: of this user,
    /// once it has its share. Its token is cancelled when it is its turn to leave. `None` where nobody who must leave is idle.
    pub fn admit(&mut self, user: &str) -> Option<(ConnectionId, CancellationToken)> {
        if self.count(user) >= self.room.per_user {
            self.dismiss_one_of(user)?;
        } else if self.entries.len() >= self.room.total {
            let greediest = self.greediest()?;
            self.dismiss_one_of(&greediest)?;
        }
        self.last += 1;
        let leave = CancellationToken::new();
        let entry = Entry { user: user.to_owned(), idle: true, leave: leave.clone() };
        self.entries.insert(self.last, entry);
        Some((self.last, leave))
    }

    /// A connection waits for its client, or works for it.
    pub fn set_idle(&mut self, id: ConnectionId, idle: bool) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.idle = idle;
        }
    }

    /// A connection ended.
    pub fn remove(&mut self, id: ConnectionId) {
        self.entries.remove(&id);
    }

    fn count(&self, user: &str) -> usize {
        self.entries.values().filter(|entry| entry.user == user).count()
    }

    fn greediest(&self) -> Option<String> {
        let users = self.entries.values().map(|entry| &entry.user);
        users.max_by_key(|user| (self.count(user), *user)).cloned()
    }

    fn dismiss_one_of(&mut self, user: &str) -> Option<()> {
        let idle = self.entries.iter().filter(|(_, entry)| entry.user == user && entry.idle);
        let oldest = idle.map(|(id, _)| *id).min()?;
        self.entries.remove(&oldest)?.leave.cancel();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { total: 5, per_user: 3 };

    #[test]
    fn the_oldest_idle_connection_of_the_same_user_makes_room() {
        let mut registry = Registry::new(ROOM);
        let all: Vec<_> = (0..4).map(|_| registry.admit("ana").unwrap()).collect();
        let gone: Vec<_> = all.iter().map(|(_, leave)| leave.is_cancelled()).collect();
        assert_eq!(gone, [true, false, false, false]);
    }

    #[test]
    fn a_greedy_user_cannot_keep_the_others_out() {
        let mut registry = Registry::new(ROOM);
        let greedy: Vec<_> = (0..3).map(|_| registry.admit("ana").unwrap()).collect();
        let others: Vec<_> = ["bia", "caio", "davi"].map(|user| registry.admit(user).unwrap()).into();
        assert!(greedy[0].1.is_cancelled());
        assert!(greedy[1..].iter().chain(&others).all(|(_, leave)| !leave.is_cancelled()));
    }

    #[test]
    fn whoever_is_served_is_not_sent_away() {
        let mut registry = Registry::new(ROOM);
        let all: Vec<_> = (0..3).map(|_| registry.admit("ana").unwrap()).collect();
        all.iter().for_each(|(id, _)| registry.set_idle(*id, false));
        assert!(registry.admit("ana").is_none());
        registry.set_idle(all[1].0, true);
        assert!(registry.admit("ana").is_some());
        assert!(all[1].1.is_cancelled() && !all[0].1.is_cancelled());
        registry.remove(all[0].0);
        assert!(registry.admit("ana").is_some());
    }
}
