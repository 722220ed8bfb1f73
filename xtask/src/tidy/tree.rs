//! Everything that the rules look at, read once.

use super::source::Source;
use crate::Result;
use crate::workspace::{Member, Workspace, relative};
use std::path::Path;

/// The workspace as a value.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Rust source files by path, those of the workspaces that stand beside this one included.
    pub(super) sources: Vec<Source>,
    /// Other text files with their content, by path.
    pub(super) texts: Vec<(String, String)>,
    /// The crates.
    pub(super) members: Vec<Member>,
}

/// Folders that are not written by people, or not ours.
const PASSED_OVER: [&str; 5] = ["target", ".git", "corpus", "artifacts", "node_modules"];
const TEXTS: [&str; 6] = ["md", "toml", "yaml", "yml", "sql", "sh"];

impl Tree {
    pub(super) fn read(workspace: &Workspace) -> Result<Tree> {
        let mut tree = Tree { members: workspace.members.clone(), ..Tree::default() };
        tree.walk(&workspace.root, &workspace.root)?;
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.texts.sort();
        Ok(tree)
    }

    fn walk(&mut self, root: &Path, dir: &Path) -> Result<()> {
        let told = |error: std::io::Error| format!("could not read {}: {error}", dir.display());
        for entry in std::fs::read_dir(dir).map_err(told)? {
            let entry = entry.map_err(told)?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if entry.file_type().map_err(told)?.is_dir() {
                if !PASSED_OVER.contains(&name.as_str()) {
                    self.walk(root, &path)?;
                }
                continue;
            }
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if extension != "rs" && !TEXTS.contains(&extension) {
                continue;
            }
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|error| format!("could not read {}: {error}", path.display()))?;
            let place = relative(root, &path);
            if extension == "rs" {
                self.sources.push(Source::new(&place, &text));
            } else {
                self.texts.push((place, text));
            }
        }
        Ok(())
    }

    /// The content of a text file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.iter().find(|(place, _)| place == path).map(|(_, text)| text.as_str())
    }

    /// For tests: a tree of these files.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            if path.ends_with(".rs") {
                tree.sources.push(Source::new(path, text));
            } else {
                tree.texts.push(((*path).to_owned(), (*text).to_owned()));
            }
        }
        tree
    }

    /// For tests: the same tree with a crate of this name and folder.
    #[cfg(test)]
    pub(super) fn with_member(
        mut self,
        name: &str,
        dir: &str,
        dependencies: &[(&str, crate::workspace::Kind)],
    ) -> Tree {
        let dependencies = dependencies.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        let described = "something".to_owned();
        let (name, dir) = (name.to_owned(), dir.to_owned());
        self.members.push(Member { name, dir, description: described, dependencies, ..Member::default() });
        self
    }
}
