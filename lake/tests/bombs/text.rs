//! JSON and CSV made to take the reader's stack, time or memory.

use model::RefusedBecause::{Binary, Empty, TooLarge, Unreadable};

use super::{LIMIT, read, refused};

#[test]
fn json_of_any_depth_is_read_without_recursion() {
    for depth in [10, 1_000, 1_000_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let nested = |inner: &str| format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let what = format!("{depth} of {open}");
            let lines = format!("{{\"a\":1}}\n{{\"a\":{}}}\n", nested("1"));
            read(&what, lines.as_bytes());
            read(&what, format!("[{{\"a\":{}}}]", nested("1")).as_bytes());
            read(&what, nested("1").as_bytes());
            refused(&what, format!("[{{\"a\":{}", open.repeat(depth)).as_bytes(), &[Unreadable]);
        }
    }
}

#[test]
fn numbers_of_any_length_keep_their_digits_or_are_text() {
    let digits = "9".repeat(400_000);
    for number in
        ["1e999999999", "-1e-999999999", "1E+00000000000000000001", "-0", "0.1e400", &digits, &format!("0.{digits}")]
    {
        let reading = read(number, format!("[{{\"n\":{number}}},{{\"n\":1}}]").as_bytes());
        assert_eq!(reading.rows.landed, 2, "{:?}", reading.outcome.err());
        let reading = read(number, format!("n,m\n{number},1\n2,2\n").as_bytes());
        assert_eq!(reading.rows.landed, 2, "{:?}", reading.outcome.err());
    }
}

#[test]
fn json_that_breaks_anywhere_lands_whole_lines_or_nothing() {
    let array =
        br#"[{"a": 1, "b": "x\u00e9\n", "c": [1, {"d": null}]}, {"a": -2.5e3, "b": "\ud83d\ude00", "c": true}]"#;
    for end in 1..array.len() {
        let reading = read(&format!("array cut at {end}"), &array[..end]);
        assert!(reading.outcome.is_err() || reading.format != Some("json"), "cut at {end}: {:?}", reading.rows);
    }
    for broken in [r#"{"a":"\ud83d"}"#, r#"{"a":"\x"}"#, "{\"a\":\"\u{1}\"}", r#"{"a":01}"#, r#"{"a":1,}"#, r#"{a:1}"#]
    {
        let lines = format!("{{\"a\":\"x\"}}\n{broken}\n");
        let reading = read(broken, lines.as_bytes());
        assert!(reading.rows.landed + reading.rows.quarantined == 2, "{broken}: {:?}", reading.rows);
    }
}

#[test]
fn a_thousand_columns_in_one_row_and_none_in_the_next_are_no_trouble() {
    let wide: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":{n}")).collect();
    let lines: String =
        (0..20).map(|n| if n == 0 { format!("{{{}}}\n", wide.join(",")) } else { "{}\n".into() }).collect();
    read("wide and empty objects", lines.as_bytes());
    // Each line has a key of its own: as many columns as rows.
    let diagonal: String = (0..3_000).map(|n| format!("{{\"k{n}\":{n}}}\n")).collect();
    read("a column for each row", diagonal.as_bytes());
    let many: String = (0..60_000).map(|n| format!("{{\"k{}\":{n}}}\n", n % 15_000)).collect();
    refused("keys that hardly come again", many.as_bytes(), &[TooLarge]);
    refused("a line of values", format!("{}1\n", "1,".repeat(400_000)).as_bytes(), &[TooLarge]);
    read("commas only", ",".repeat(1_000_000).as_bytes());
    read("a comma in each line", ",\n".repeat(500_000).as_bytes());
}

#[test]
fn quotes_and_line_ends_alone_come_to_an_end() {
    let size = LIMIT as usize / 8;
    for (what, unit) in [
        ("quotes", "\""),
        ("quoted quotes", "\"\"\"\","),
        ("opened again and again", "a,\"\n"),
        ("closed too early", "\"a\"b,"),
        ("backslashes", "\\\","),
        ("single quotes", "','"),
        ("carriage returns", "\r"),
        ("mixed line ends", "\r\n\n\r"),
        ("marks", "\u{feff}"),
        ("comments", "#\n"),
        ("NULs", "a\0,"),
        ("bad bytes", "é\u{fffd},"),
    ] {
        read(what, unit.repeat(size / unit.len()).as_bytes());
        read(what, format!("a,b\n1,2\n{}", unit.repeat(size / unit.len())).as_bytes());
    }
    refused("line ends", &b"\n".repeat(size), &[Empty]);
    refused("NULs alone", &vec![0; size], &[Empty, Binary]);
    // One long name, by the rules for a header alone.
    assert_eq!(read("high bytes", &vec![0xff; size]).rows.landed, 0);
}
