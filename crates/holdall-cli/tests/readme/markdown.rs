//! The commands of a page and what it shows of their output.

/// A page's blocks of commands.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) blocks: Vec<Block>,
}

/// One block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The line of the page that it begins at.
    pub(crate) line: usize,
    /// Why it is not run.
    pub(crate) skip: Option<String>,
    steps: Vec<Step>,
}

/// Commands, and what they print where the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) shown: Option<Vec<String>>,
}

impl Page {
    /// All that is to be run.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.blocks.iter().filter(|block| block.skip.is_none()).flat_map(|block| &block.steps)
    }

    /// Whether the page tells its reader to name a service.
    pub(crate) fn names_a_service(&self) -> bool {
        self.steps().any(|step| step.command.contains("S3_ENDPOINT_URL="))
    }
}

/// Finds the blocks of commands.
pub(crate) fn parse(text: &str) -> Result<Page, String> {
    let mut lines = text.lines().enumerate();
    let mut blocks = Vec::new();
    while let Some((at, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let inside: Vec<(usize, &str)> = lines
            .by_ref()
            .take_while(|(_, line)| line.trim() != "```")
            .map(|(at, line)| (at + 1, line))
            .collect();
        if at + inside.len() + 2 > text.lines().count() {
            return Err(format!("line {}: the block has no end", at + 1));
        }
        let language = info.split(' ').next().unwrap_or_default();
        let steps = match language {
            "sh" => script(&inside),
            "console" => dialogue(&inside)?,
            "bash" | "shell" | "shell-session" | "zsh" => {
                return Err(format!("line {}: {language} is not run: say sh or console", at + 1));
            }
            _ => continue,
        };
        blocks.push(Block { line: at + 1, skip: skip(info, at + 1)?, steps });
    }
    Ok(Page { blocks })
}

/// The reason not to run a block: what follows its language.
fn skip(info: &str, line: usize) -> Result<Option<String>, String> {
    let Some((_, rest)) = info.split_once(' ') else { return Ok(None) };
    let why = rest.strip_prefix("skip (").and_then(|rest| rest.strip_suffix(')'));
    match why {
        Some(why) if !why.is_empty() => Ok(Some(why.to_owned())),
        _ => Err(format!("line {line}: {rest:?} is not understood: say skip (why)")),
    }
}

/// Commands without their output: one step.
fn script(lines: &[(usize, &str)]) -> Vec<Step> {
    let text: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
    let first = lines.first().map(|(line, _)| *line);
    first.map(|line| Step { line, command: text.join("\n"), shown: None }).into_iter().collect()
}

/// Commands after `$ `, each with its output below.
fn dialogue(lines: &[(usize, &str)]) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for (line, text) in lines {
        if let Some(command) = text.strip_prefix("$ ") {
            steps.push(Step { line: *line, command: command.to_owned(), shown: Some(Vec::new()) });
            continue;
        }
        let shown = steps.last_mut().and_then(|step| step.shown.as_mut());
        shown.ok_or_else(|| format!("line {line}: output without a command"))?.push((*text).to_owned());
    }
    Ok(steps)
}
