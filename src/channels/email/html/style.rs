//! Which elements of an HTML mail a reader sees.
//!
//! Text that nobody sees is how instructions are smuggled to whoever reads a mail by machine, so
//! what is hidden by attribute, inline style or a plain rule of a style sheet is dropped.

use std::collections::BTreeSet;

use super::colour::{Paint, Rgb, colour};
use super::sheet::{Sheet, plain};

/// An element without extent hides what it holds only if that is clipped.
const NO_EXTENT: &str = "no extent";
const CLIPPED: &str = "clipped";
/// Largest size, in pixels, of text or of an element that nobody can read.
const UNREADABLE: f32 = 1.0;
/// The usual size of text, in pixels.
const USUAL: f32 = 16.0;

/// What an element hands down to those within it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Gone for good: no element within can show itself again.
    gone: bool,
    /// Too small to read; an element within may set a size of its own.
    tiny: bool,
    /// The colour of letters; black or a link's where nothing is said, which can be seen.
    ink: Option<Paint>,
    /// The colour behind them; that of the page where nothing is said.
    paper: Option<Paint>,
}

impl Look {
    /// True if a reader sees nothing of text here.
    pub(super) fn is_hidden(self, sheet: &Sheet) -> bool {
        self.gone || self.tiny || self.is_unseen(sheet)
    }

    /// True if letters and page are of one colour.
    fn is_unseen(self, sheet: &Sheet) -> bool {
        let paper = self.paper.or(sheet.page());
        match (self.ink, paper) {
            (Some(Paint::Clear), _) => true,
            (Some(Paint::Solid(ink)), Some(Paint::Solid(paper))) => ink.is_like(paper),
            _ => false,
        }
    }

    /// Returns this look with everything within it gone.
    pub(super) const fn gone(self) -> Self {
        Self { gone: true, ..self }
    }

    /// Returns the look of an element within this one.
    pub(super) fn within(mut self, attributes: &Attributes<'_>, sheet: &Sheet) -> Self {
        let classes = attributes.get("class").unwrap_or_default();
        // Preheaders are the line that a list of mails shows; in the mail nobody sees them.
        let mut words = classes.split_ascii_whitespace();
        self.gone |= attributes.get("hidden").is_some()
            || words.any(|class| class.eq_ignore_ascii_case("preheader"));
        if let Some(paper) = attributes.get("bgcolor") {
            self.paper = Some(colour(paper));
        }
        if attributes.get("background").is_some() {
            self.paper = Some(Paint::Unknown);
        }
        if let Some(ink) = attributes.get("color") {
            self.ink = Some(colour(ink));
        }
        for declared in sheet.rules(classes, attributes.get("id")) {
            self.declare(declared);
        }
        if let Some(style) = attributes.get("style") {
            self.declare(&Declared::read(&plain(style)));
        }
        self
    }

    fn declare(&mut self, declared: &Declared) {
        self.gone |= declared.hides();
        self.tiny = match declared.font_size {
            Some(Size::Pixels(size)) => size <= UNREADABLE,
            // A part of nothing is nothing.
            Some(Size::OfOuter(part)) => self.tiny || part <= UNREADABLE / USUAL,
            None => self.tiny,
        };
        self.ink = declared.ink.or(self.ink);
        self.paper = match declared.paper {
            // Nothing of its own: what lies behind shows through.
            Some(Paint::Clear) | None => self.paper,
            paper => paper,
        };
    }
}

/// The attributes of one element.
pub(super) struct Attributes<'a>(pub(super) &'a [(String, String)]);

impl Attributes<'_> {
    /// Returns the value of an attribute by its name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The declarations of one style that bear on what is seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    /// Properties whose value hides.
    hiding: BTreeSet<&'static str>,
    font_size: Option<Size>,
    ink: Option<Paint>,
    paper: Option<Paint>,
}

impl Declared {
    /// Reads declarations in lower case and without comments.
    pub(super) fn read(style: &str) -> Self {
        let mut read = Self::default();
        for declaration in style.split(';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let value = value.trim();
            let value = value.split_once('!').map_or(value, |(value, _)| value).trim_end();
            read.declare(name.trim(), value);
        }
        read
    }

    /// True if anything is declared that bears on what is seen.
    pub(super) fn says_something(&self) -> bool {
        self.ink.is_some() || self.paper.is_some() || self.hides() || self.font_size.is_some()
    }

    /// True if a colour or an image is laid behind the letters.
    pub(super) const fn paints(&self) -> bool {
        self.paper.is_some()
    }

    fn declare(&mut self, name: &str, value: &str) {
        match name {
            "display" => self.hides_by("display", value == "none"),
            "visibility" => {
                self.hides_by("visibility", matches!(value, "hidden" | "collapse"));
            }
            "opacity" => self.hides_by("opacity", number(value).is_some_and(|n| n < 0.05)),
            "zoom" | "scale" => self.hides_by("scale", number(value).is_some_and(|n| n < 0.05)),
            "height" | "max-height" | "width" | "max-width"
                if extent(value).is_some_and(|n| n <= UNREADABLE) =>
            {
                self.hides_by(NO_EXTENT, true);
            }
            "overflow" | "overflow-x" | "overflow-y" => {
                self.hides_by(CLIPPED, matches!(value, "hidden" | "clip" | "scroll" | "auto"));
            }
            "text-indent" | "left" | "top" | "right" | "bottom" | "margin-left" | "margin-top"
                if number(value).is_some_and(|n| n <= -500.0) =>
            {
                self.hides_by("far off", true);
            }
            "clip" => self.hides_by("clip", value.starts_with("rect(0")),
            "clip-path" => {
                let nothing = ["inset(50%", "inset(100%", "circle(0"];
                self.hides_by("clip-path", nothing.iter().any(|start| value.starts_with(start)));
            }
            "transform" => {
                let nothing = ["scale(0)", "scale(0,0)", "scalex(0)", "scaley(0)"];
                let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
                self.hides_by("transform", nothing.iter().any(|one| value.contains(one)));
            }
            "font-size" => self.font_size = size(value),
            "font" => {
                self.font_size = value.split_ascii_whitespace().find_map(size).or(self.font_size);
            }
            "color" | "background" | "background-color" if is_handed_down(value) => {}
            "color" => self.ink = Some(colour(value)),
            "background-color" => self.paper = Some(colour(value)),
            "background" => self.paper = Some(behind(value)),
            "background-image" if value != "none" => self.paper = Some(Paint::Unknown),
            _ => {}
        }
    }

    /// A later declaration of the same property wins.
    fn hides_by(&mut self, property: &'static str, hides: bool) {
        if hides {
            self.hiding.insert(property);
        } else {
            self.hiding.remove(property);
        }
    }

    /// True if nothing within is seen.
    pub(super) fn hides(&self) -> bool {
        let clipped = self.hiding.contains(NO_EXTENT) && self.hiding.contains(CLIPPED);
        clipped || self.hiding.iter().any(|property| ![NO_EXTENT, CLIPPED].contains(property))
    }
}

/// True for the words by which an element keeps what the one around it has.
fn is_handed_down(value: &str) -> bool {
    matches!(value, "inherit" | "unset" | "revert" | "revert-layer" | "currentcolor")
}

/// Reads `background`, which may name a colour amid other things. An image may fail to load, so that the colour beside it
/// is what is seen.
fn behind(value: &str) -> Paint {
    let solid = |paint: Paint| matches!(paint, Paint::Solid(_)).then_some(paint);
    let named = || value.split_ascii_whitespace().map(colour).find_map(solid);
    solid(colour(value)).or_else(named).unwrap_or(match value {
        "none" | "transparent" | "initial" | "0" => Paint::Clear,
        _ => Paint::Unknown,
    })
}

/// A size of text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// In pixels or so.
    Pixels(f32),
    /// As a part of the size around.
    OfOuter(f32),
}

/// Returns a font size; words such as `small` are none.
fn size(value: &str) -> Option<Size> {
    let number = number(value)?;
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim();
    match unit.split('/').next().unwrap_or_default() {
        "px" | "pt" => Some(Size::Pixels(number)),
        "rem" => Some(Size::Pixels(number * USUAL)),
        "em" => Some(Size::OfOuter(number)),
        "%" => Some(Size::OfOuter(number / 100.0)),
        "" if number == 0.0 => Some(Size::Pixels(number)),
        _ => None,
    }
}

/// Returns a width or height in pixels; of other units only nothing is known.
fn extent(value: &str) -> Option<f32> {
    let number = number(value)?;
    (number <= 0.0 || value.ends_with("px") || value.ends_with("pt")).then_some(number)
}

fn number(value: &str) -> Option<f32> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'));
    value.get(..end.unwrap_or(value.len()))?.parse().ok()
}

/// The page of a mail whose style sheet says nothing else.
pub(super) const WHITE: Paint = Paint::Solid(Rgb(255, 255, 255));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_that_hide_are_known() {
        for (style, hidden) in [
            ("display:none", true),
            ("DISPLAY : None !important", true),
            ("display:/* x */none", true),
            ("d\\69 splay:none", true),
            ("visibility: hidden", true),
            ("opacity:0", true),
            ("opacity:0.8", false),
            ("font-size:0", true),
            ("font-size:1px;line-height:1px", true),
            ("font-size:0.01em", true),
            ("font-size:12px", false),
            ("font-size:small", false),
            ("color:#fff;background-color:#ffffff", true),
            ("color:white;background:white", true),
            ("color:rgb(255, 255, 255);background:#FFF", true),
            ("color:rgba(255,255,255,1)", true),
            ("color:#fff;background:#000", false),
            ("color:#fff;background:navy", false),
            ("color:#fff;background:linear-gradient(#000, #111)", false),
            ("color:#fff", true),
            ("color:#fdfdfd", true),
            ("color:#ccc", false),
            ("color:transparent", true),
            ("color:rgba(0, 0, 0, 0)", true),
            ("color:rgba(0, 0, 0, 0.8)", false),
            ("color:#fff;background:#fff url(x.png)", true),
            ("color:#fff;background:transparent", true),
            ("max-height:0;overflow:hidden", true),
            ("height:1px;width:1px;overflow:hidden", true),
            ("width:1%;overflow:hidden", false),
            ("height:0;overflow-y:auto", true),
            ("zoom:0", true),
            ("max-height:0", false),
            ("position:absolute;left:-9999px", true),
            ("text-indent:-9999px", true),
            ("clip-path: inset(100%)", true),
            ("transform: scale(0)", true),
            ("mso-hide:all", false),
            ("", false),
        ] {
            let attributes = [("style".to_owned(), style.to_owned())];
            let sheet = Sheet::default();
            let look = Look::default().within(&Attributes(&attributes), &sheet);
            assert_eq!(look.is_hidden(&sheet), hidden, "{style}");
        }
    }
}
