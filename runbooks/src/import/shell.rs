//! Reads one line of a shell as a program and its arguments, if that is all it is. There is no shell here, so whatever only a shell
//! could do has no place in a step.

/// The words of a line.
///
/// # Errors
///
/// What in it needs a shell.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '#' if word.is_none() => break,
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a quote is left open".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("a quote is left open".to_owned()),
                        },
                        Some('`') => return Err("it runs another command inside".to_owned()),
                        Some('$') if chars.peek() == Some(&'(') => {
                            return Err("it runs another command inside".to_owned());
                        }
                        Some('$') if chars.peek().is_some_and(|c| is_variable(*c)) => {
                            return Err("it uses a variable of the shell".to_owned());
                        }
                        Some(c) => word.push(c),
                        None => return Err("a quote is left open".to_owned()),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err("it goes on in a line that is not there".to_owned()),
            },
            '|' if chars.peek() == Some(&'|') => return Err("it is several commands".to_owned()),
            '|' => return Err("it has a pipe".to_owned()),
            '&' | ';' => return Err("it is several commands".to_owned()),
            '<' | '>' => return Err("it redirects input or output".to_owned()),
            '(' | ')' => return Err("it opens a shell of its own".to_owned()),
            '`' => return Err("it runs another command inside".to_owned()),
            '$' if chars.peek() == Some(&'(') => return Err("it runs another command inside".to_owned()),
            '$' if chars.peek().is_some_and(|c| is_variable(*c)) => {
                return Err("it uses a variable of the shell".to_owned());
            }
            // No file is called like that.
            '?' if word.as_ref().is_some_and(|word| word.contains("://")) => word.get_or_insert_default().push(c),
            '*' | '?' | '[' => return Err("it has a pattern that a shell expands".to_owned()),
            '~' if word.is_none() => return Err("it names the home folder of a shell".to_owned()),
            '{' if chars.peek() == Some(&'{') => {
                // A parameter; a value never splits, so it needs no quotes.
                let word = word.get_or_insert_default();
                word.push('{');
                for c in chars.by_ref() {
                    word.push(c);
                    if word.ends_with("}}") {
                        break;
                    }
                }
            }
            '{' | '}' => return Err("it has a pattern that a shell expands".to_owned()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.first() {
        None => Err("there is no command in it".to_owned()),
        Some(first) if first.contains('=') => Err("it sets a variable of the shell".to_owned()),
        Some(first) if RESERVED.contains(&first.as_str()) => Err(format!("`{first}` is a word of the shell")),
        Some(first) if ["sudo", "doas", "su"].contains(&first.as_str()) => Err(format!("it needs `{first}`")),
        Some(first) if first.contains("{{") => Err("what is run must not be a parameter".to_owned()),
        Some(_) => Ok(words),
    }
}

const RESERVED: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "cd",
    "export", "source", ".", "alias", "eval", "exec", "set", "read",
];

fn is_variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_{?#@*!$-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<&[&str], &str>) {
        match (words(line), expected) {
            (Ok(words), Ok(expected)) => assert_eq!(words, expected),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, _) => panic!("{line}: {got:?}"),
        }
    }

    #[test]
    fn plain_arguments_are_taken_as_a_shell_would() {
        check("lsof -n -i :{{port}}", Ok(&["lsof", "-n", "-i", ":{{port}}"]));
        check(r#"psql -c "select 1 from \"t\"" 'a b'  # look"#, Ok(&["psql", "-c", "select 1 from \"t\"", "a b"]));
        check(r"echo a\ b ''", Ok(&["echo", "a b", ""]));
        check(r#"grep "costs $ 5""#, Ok(&["grep", "costs $ 5"]));
    }

    #[test]
    fn what_needs_a_shell_is_refused_with_its_reason() {
        for (line, reason) in [
            ("a | b", "pipe"),
            ("a && b", "several"),
            ("a; b", "several"),
            ("a || b", "several"),
            ("a &", "several"),
            ("a > b", "redirects"),
            ("a 2>&1", "redirects"),
            ("a < b", "redirects"),
            ("a $(b)", "another command"),
            ("a `b`", "another command"),
            ("a \"$(b)\"", "another command"),
            ("a \"`b`\"", "another command"),
            ("a $B", "variable"),
            ("a \"${B}\"", "variable"),
            ("a $1 $?", "variable"),
            ("rm *.log", "pattern"),
            ("rm {a,b}", "pattern"),
            ("ls ~/x", "home"),
            ("A=1 b", "sets"),
            ("for x in y", "`for`"),
            ("sudo a", "sudo"),
            ("(a)", "shell of its own"),
            ("a 'b", "open"),
            ("{{program}} x", "parameter"),
            ("a \\", "goes on"),
            ("# only", "no command"),
        ] {
            check(line, Err(reason));
        }
    }
}
