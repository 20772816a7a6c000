//! Plots as SVG, drawn on the server. Sizes are attributes, colours are classes of the stylesheet; every text is escaped.

/// The width of a plot, in its own units.
const WIDTH: f64 = 320.0;
/// Its height.
const HEIGHT: f64 = 148.0;
/// Where the field of the plot begins and ends.
const LEFT: f64 = 34.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 122.0;
/// The right end of the field, where values are named beside it and where not.
const RIGHT_NAMED: f64 = 244.0;
const RIGHT: f64 = 314.0;

/// The classes of up to three series, in their order from below.
pub(super) const SERIES: [&str; 3] = ["series-a", "series-b", "series-c"];

/// The scale of the upright axis.
pub(super) struct Scale {
    pub(super) max: f64,
    /// What stands at the left, and where.
    pub(super) ticks: Vec<(f64, String)>,
}

/// A line through values; where there is none it breaks off.
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) points: Vec<Option<f64>>,
    /// What stands at its end.
    pub(super) label: String,
}

/// A value that lines are compared with.
pub(super) struct Target {
    pub(super) value: f64,
    pub(super) label: String,
}

/// A place on a line that is named: the worst day.
pub(super) struct Mark {
    pub(super) at: usize,
    pub(super) value: f64,
    pub(super) label: String,
}

/// What lines are drawn with.
pub(super) struct Chart<'a> {
    /// What stands below, one for each place; empty ones are left out.
    pub(super) labels: &'a [String],
    pub(super) lines: &'a [Line],
    pub(super) scale: &'a Scale,
    pub(super) target: Option<&'a Target>,
    pub(super) mark: Option<&'a Mark>,
}

/// Writes a number that the databases hold as one that drawings use.
#[expect(clippy::cast_precision_loss, reason = "counts and seconds stay far below 2^53")]
pub(super) const fn real(value: i64) -> f64 {
    value as f64
}

fn place(at: usize) -> f64 {
    real(i64::try_from(at).unwrap_or(i64::MAX))
}

/// Escapes a text for HTML and SVG alike.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns a round number that is not below a value, and the step of two ticks to it: 1, 2, 4, 6 or 10 times a power of ten.
pub(super) fn round_up(value: f64) -> (f64, f64) {
    let mut power = 1.0;
    while power * 10.0 < value {
        power *= 10.0;
    }
    let fits = [1.0, 2.0, 4.0, 6.0, 10.0].iter().map(|factor| factor * power);
    let max = fits.filter(|max| *max >= value).fold(10.0 * power, f64::min).max(2.0);
    (max, max / 2.0)
}

fn height_of(value: f64, max: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * (value / max.max(f64::EPSILON)).clamp(0.0, 1.0)
}

fn open(sentence: &str) -> String {
    format!(
        "<svg class=\"plot-field\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(sentence)
    )
}

fn axis(scale: &Scale, right: f64) -> Vec<String> {
    let tick = |(value, label): &(f64, String)| {
        let y = height_of(*value, scale.max);
        format!(
            "<path class=\"plot-axis\" d=\"M{LEFT} {y:.1}H{right}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 3.5,
            escaped(label)
        )
    };
    scale.ticks.iter().map(tick).collect()
}

/// Bars of up to three parts that stand on each other.
pub(super) fn stacked(bars: &[(String, [i64; 3])], scale: &Scale, sentence: &str) -> String {
    let mut svg = vec![open(sentence)];
    svg.extend(axis(scale, RIGHT));
    let step = (RIGHT - LEFT) / place(bars.len().max(1));
    let width = (step - 3.0).clamp(1.5, 26.0);
    // Labels stand so far apart that they never touch.
    let every = bars.len().div_ceil(8).max(1);
    for (at, (label, values)) in bars.iter().enumerate() {
        let middle = LEFT + step * (place(at) + 0.5);
        let mut below = 0.0;
        for (class, value) in SERIES.iter().zip(values).filter(|(_, value)| **value > 0) {
            let above = below + real(*value);
            let (top, foot) = (height_of(above, scale.max), height_of(below, scale.max));
            svg.push(format!(
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                middle - width / 2.0,
                (foot - top).max(0.5)
            ));
            below = above;
        }
        if at % every == 0 {
            svg.push(below_axis(middle, label));
        }
    }
    svg.push("</svg>".to_owned());
    svg.concat()
}

fn below_axis(x: f64, label: &str) -> String {
    if label.is_empty() {
        return String::new();
    }
    format!("<text x=\"{x:.1}\" y=\"139\" text-anchor=\"middle\">{}</text>", escaped(label))
}

/// Lines over days, with the value that they are compared with.
pub(super) fn lines(chart: &Chart<'_>, sentence: &str) -> String {
    let mut svg = vec![open(sentence)];
    svg.extend(axis(chart.scale, RIGHT_NAMED));
    let count = chart.labels.len();
    let step = (RIGHT_NAMED - LEFT) / place(count.saturating_sub(1).max(1));
    let x = |at: usize| LEFT + step * place(at);
    let y = |value: f64| height_of(value, chart.scale.max);
    // Names at the right end keep a line's height from each other.
    let mut named: Vec<f64> = Vec::new();
    let mut name = |svg: &mut Vec<String>, class: &str, value: f64, label: &str| {
        let mut at = y(value) + 3.5;
        while named.iter().any(|other| (other - at).abs() < 11.0) {
            at += 11.0;
        }
        named.push(at);
        svg.push(format!(
            "<text class=\"plot-name {class}\" x=\"{:.1}\" y=\"{at:.1}\">{}</text>",
            RIGHT_NAMED + 7.0,
            escaped(label)
        ));
    };
    if let Some(target) = chart.target {
        let at = y(target.value);
        svg.push(format!("<path class=\"plot-target\" d=\"M{LEFT} {at:.1}H{RIGHT_NAMED}\"/>"));
        name(&mut svg, "", target.value, &target.label);
    }
    for line in chart.lines {
        svg.push(format!("<path class=\"plot-line {}\" d=\"{}\"/>", line.class, way(line, x, y)));
        let last =
            line.points.iter().enumerate().rev().find_map(|(at, value)| Some((at, (*value)?)));
        if let Some((at, value)) = last {
            svg.push(dot(line.class, x(at), y(value)));
            name(&mut svg, line.class, value, &line.label);
        }
    }
    if let Some(mark) = chart.mark {
        svg.push(dot("plot-odd", x(mark.at), y(mark.value)));
        let anchor = if mark.at == 0 { "start" } else { "middle" };
        svg.push(format!(
            "<text class=\"plot-name plot-odd\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            x(mark.at),
            (y(mark.value) - 6.0).max(TOP - 3.0),
            escaped(&mark.label)
        ));
    }
    for (at, label) in chart.labels.iter().enumerate() {
        svg.push(below_axis(x(at), label));
    }
    svg.push("</svg>".to_owned());
    svg.concat()
}

fn dot(class: &str, x: f64, y: f64) -> String {
    format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>")
}

fn way(line: &Line, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut drawing = false;
    let mut way = Vec::new();
    for (at, value) in line.points.iter().enumerate() {
        match value {
            Some(value) => {
                let pen = if drawing { "L" } else { "M" };
                way.push(format!("{pen}{:.1} {:.1}", x(at), y(*value)));
                drawing = true;
            }
            None => drawing = false,
        }
    }
    way.concat()
}

/// A line of the latest days without words, for those who see it; the number beside it says the same to all.
pub(super) fn spark(values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    if known.len() < 2 {
        return String::new();
    }
    let (least, most) =
        known.iter().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(*value), b.max(*value)));
    let step = 60.0 / place(values.len().saturating_sub(1).max(1));
    let x = |at: usize| 1.0 + step * place(at);
    let y = |value: f64| {
        if most > least { 17.0 - 14.0 * (value - least) / (most - least) } else { 10.0 }
    };
    let line = Line { class: "", points: values.to_vec(), label: String::new() };
    let end = values.iter().enumerate().rev().find_map(|(at, value)| Some((at, (*value)?)));
    let end = end.map_or_else(String::new, |(at, value)| {
        format!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>", x(at), y(value))
    });
    format!(
        "<svg class=\"spark\" width=\"64\" height=\"20\" viewBox=\"0 0 64 20\" aria-hidden=\"true\"><path d=\"{}\"/>{end}</svg>",
        way(&line, x, y)
    )
}

/// How the tickets of a queue stand, as one bar: in time, due soon, overdue.
pub(super) fn shares(values: [i64; 3], sentence: &str) -> String {
    let all: i64 = values.iter().sum();
    if all == 0 {
        return String::new();
    }
    let mut svg = vec![format!(
        "<svg class=\"sla-bar\" width=\"96\" height=\"8\" viewBox=\"0 0 96 8\" role=\"img\" aria-label=\"{}\">",
        escaped(sentence)
    )];
    let mut from = 0.0;
    for (class, value) in ["is-ok", "is-warn", "is-bad"].iter().zip(values) {
        let width = 96.0 * real(value) / real(all);
        if value > 0 {
            svg.push(format!(
                "<rect class=\"{class}\" x=\"{from:.1}\" width=\"{:.1}\" height=\"8\" rx=\"1.5\"/>",
                (width - 1.5).max(1.5)
            ));
        }
        from += width;
    }
    svg.push("</svg>".to_owned());
    svg.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number_that_holds_every_value() {
        for (value, expected) in [
            (0.0, (2.0, 1.0)),
            (1.0, (2.0, 1.0)),
            (3.0, (4.0, 2.0)),
            (10.0, (10.0, 5.0)),
            (11.0, (20.0, 10.0)),
            (57.0, (60.0, 30.0)),
            (61.0, (100.0, 50.0)),
            (1_234.0, (2_000.0, 1_000.0)),
        ] {
            assert_eq!(round_up(value), expected, "{value}");
        }
    }

    #[test]
    fn a_plot_escapes_words_and_has_no_style() {
        let scale =
            Scale { max: 10.0, ticks: vec![(0.0, "0".to_owned()), (10.0, "<10>".to_owned())] };
        let bars = [("8 h".to_owned(), [3, 0, 2]), ("9 \"h\"".to_owned(), [0, 0, 0])];
        let svg = stacked(&bars, &scale, "3 & 2");
        assert!(svg.contains("aria-label=\"3 &amp; 2\""), "{svg}");
        assert!(svg.contains("&lt;10&gt;") && !svg.contains("style="), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 2, "nothing is drawn for nothing");
        assert!(svg.contains("role=\"img\""));
    }

    #[test]
    fn a_line_breaks_off_where_there_is_nothing() {
        let line = Line {
            class: "series-a",
            points: vec![Some(1.0), None, Some(2.0), Some(4.0)],
            label: "4".to_owned(),
        };
        let labels = ["a", "", "", "b"].map(str::to_owned);
        let scale = Scale { max: 4.0, ticks: Vec::new() };
        let target = Target { value: 2.0, label: "meta".to_owned() };
        let mark = Mark { at: 0, value: 1.0, label: "1".to_owned() };
        let chart = Chart {
            labels: &labels,
            lines: &[line],
            scale: &scale,
            target: Some(&target),
            mark: Some(&mark),
        };
        let svg = lines(&chart, "x");
        assert!(svg.contains("d=\"M34.0 94.5M174.0 67.0L244.0 12.0\""), "{svg}");
        assert_eq!(svg.matches("text-anchor=\"middle\"").count(), 2, "{svg}");
        assert!(svg.contains("plot-target") && svg.contains("plot-odd"));
        assert_eq!(spark(&[Some(1.0)]), "", "one value is no line");
        assert!(
            shares([1, 0, 1], "x").matches("<rect").count() == 2
                && shares([0, 0, 0], "x").is_empty()
        );
    }
}
