//! The blocks of code on a page.

/// What stands between two fences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block<'a> {
    /// E.g. `sh`; empty for what is no language.
    pub(super) language: &'a str,
    /// What stands beside the language, e.g. `stays`.
    pub(super) mark: &'a str,
    pub(super) code: &'a str,
}

/// The blocks of a page in their order.
pub(super) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let Some((block, after)) = after.split_once("\n```") else {
            break;
        };
        let (fence, code) = block.split_once('\n').unwrap_or((block, ""));
        let (language, mark) = fence.split_once(' ').unwrap_or((fence, ""));
        blocks.push(Block { language, mark, code });
        rest = after;
    }
    blocks
}

impl Block<'_> {
    /// Whether it is for a shell, in whatever way.
    pub(super) fn is_shell(&self) -> bool {
        matches!(self.language, "sh" | "bash" | "shell" | "cron")
    }

    /// Whether it goes on running in a terminal of its own while those after it are run.
    pub(super) fn stays(&self) -> bool {
        (self.language, self.mark) == ("sh", "stays")
    }

    /// What a shell is to run, if this is run here.
    pub(super) fn script(&self) -> Option<String> {
        match (self.language, self.mark) {
            ("sh", "" | "stays") => Some(self.code.to_owned()),
            ("cron", "") => Some(self.code.lines().filter_map(due).collect()),
            _ => None,
        }
    }
}

/// The command of a line of a crontab of the system, as cron would run it: five fields of time, a user, and the rest.
fn due(line: &str) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let command = line.splitn(7, ' ').nth(6)?.replace("\\%", "%");
    Some(format!("sh <<'CRON'\n{command}\nCRON\n"))
}
