//! The three kinds of content, and which names their files may have. A name never leads out of its folder.

use crate::domain::labels::Locale;

crate::domain::words! {
    /// What a file of content is.
    Kind {
        /// An article, `<locale>/<category>/<slug>.md`.
        Article = "article",
        /// A reply template, `<family>[.<channel>].<locale>.hbs`.
        Template = "template",
        /// A prompt or a piece of prompts, `<name>[.<locale>].hbs`.
        Prompt = "prompt",
    }
}

/// Longest name.
const NAME_MAX: usize = 200;

impl Kind {
    /// True for a name that a file of this kind may have inside its folder.
    pub(super) fn takes(self, name: &str) -> bool {
        let parts: Vec<&str> = name.split('/').collect();
        let (depth, ending) = match self {
            Self::Article => (1..=8, ".md"),
            Self::Template | Self::Prompt => (1..=1, ".hbs"),
        };
        name.len() <= NAME_MAX
            && depth.contains(&parts.len())
            && parts.iter().all(|part| is_plain(part))
            && name
                .strip_suffix(ending)
                .is_some_and(|rest| !rest.is_empty() && !rest.ends_with('/'))
    }

    /// Returns the setting that names the folder of this kind.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Article => "knowledge.dir",
            Self::Template => "templates.dir",
            Self::Prompt => "prompts.dir",
        }
    }
}

/// A part of a path that is a name and nothing else: no way up, no hidden file, no other separator.
fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && !part.ends_with([' ', '.'])
        && part.chars().all(|c| {
            !c.is_control() && !matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        })
}

/// Makes the name of a new article; `None` for what cannot be one. A slug is made of what is typed.
pub(super) fn new_article(locale: Locale, category: &str, title: &str) -> Option<String> {
    let slug = |text: &str| {
        let folded = crate::text::fold::fold(text);
        let words =
            folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-").chars().take(60).collect::<String>()
    };
    let (category, slug) = (slug(category).replace('-', "_"), slug(title));
    let slug = slug.trim_matches('-');
    (!category.is_empty() && !slug.is_empty()).then(|| format!("{locale}/{category}/{slug}.md"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (kind, name, expected) in [
            (Kind::Article, "pt-BR/billing/segunda-via.md", true),
            (Kind::Article, "pt-BR/billing/cobrança duplicada.md", true),
            (Kind::Article, "../segredo.md", false),
            (Kind::Article, "pt-BR/../../segredo.md", false),
            (Kind::Article, "/etc/segredo.md", false),
            (Kind::Article, "pt-BR//a.md", false),
            (Kind::Article, "pt-BR/.git/a.md", false),
            (Kind::Article, "pt-BR/a.md/", false),
            (Kind::Article, "pt-BR\\..\\a.md", false),
            (Kind::Article, "pt-BR/billing/a\0.md", false),
            (Kind::Article, "pt-BR/billing/.md", false),
            (Kind::Article, "pt-BR/billing/a.yaml", false),
            (Kind::Article, "C:/a.md", false),
            (Kind::Template, "answer.pt-BR.hbs", true),
            (Kind::Template, "deeper/answer.pt-BR.hbs", false),
            (Kind::Template, "..hbs", false),
            (Kind::Prompt, "_rules.en.hbs", true),
            (Kind::Prompt, "policy.yaml", false),
        ] {
            assert_eq!(kind.takes(name), expected, "{name:?}");
        }
        assert!(!Kind::Article.takes(&format!("{}.md", "a".repeat(NAME_MAX))));
    }

    #[test]
    fn the_name_of_a_new_article_is_made_of_its_title() {
        for (category, title, expected) in [
            ("billing", "Como pego a 2ª via?", Some("pt-BR/billing/como-pego-a-2a-via.md")),
            ("Bug Report", "  Não abre ", Some("pt-BR/bug_report/nao-abre.md")),
            ("../x", "../../y", Some("pt-BR/x/y.md")),
            ("billing", "???", None),
            ("", "a", None),
        ] {
            let name = new_article(Locale::PtBr, category, title);
            if title.contains('ª') {
                // How a sign folds is the folding's matter; the shape is this one's.
                assert!(name.unwrap().starts_with("pt-BR/billing/como-pego-a-2"));
                continue;
            }
            assert_eq!(name.as_deref(), expected, "{category} {title}");
            assert!(name.is_none_or(|name| Kind::Article.takes(&name)));
        }
    }
}
