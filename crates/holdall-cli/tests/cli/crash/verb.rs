//! The commands that are killed.

use holdall_testing::proxy::Way;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Push,
    Pull,
    Put,
    Get,
    /// By the server.
    Copy,
    /// From a folder to the server: no journal has it.
    CopyUp,
    Move,
    MoveUp,
}

impl Verb {
    pub(super) fn name(self) -> &'static str {
        match self {
            Verb::Push => "push",
            Verb::Pull => "pull",
            Verb::Put => "put",
            Verb::Get => "get",
            Verb::Copy => "cp",
            Verb::CopyUp => "cp-up",
            Verb::Move => "mv",
            Verb::MoveUp => "mv-up",
        }
    }

    /// Which way its bytes are counted.
    pub(super) fn way(self) -> Way {
        if self.is_fetched() { Way::Down } else { Way::Up }
    }

    pub(super) fn is_tree(self) -> bool {
        matches!(self, Verb::Push | Verb::Pull)
    }

    /// Whether the source is a folder here.
    pub(super) fn is_sent(self) -> bool {
        matches!(self, Verb::Push | Verb::Put | Verb::CopyUp | Verb::MoveUp)
    }

    /// Whether the destination is a folder here.
    pub(super) fn is_fetched(self) -> bool {
        matches!(self, Verb::Pull | Verb::Get)
    }

    pub(super) fn moves(self) -> bool {
        matches!(self, Verb::Move | Verb::MoveUp)
    }

    /// Whether the bytes pass through here.
    pub(super) fn carries(self) -> bool {
        !matches!(self, Verb::Copy | Verb::Move)
    }

    /// Whether it goes on where it was cut off.
    pub(super) fn resumes(self) -> bool {
        matches!(self, Verb::Push | Verb::Pull | Verb::Put | Verb::Get)
    }
}
