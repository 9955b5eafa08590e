//! What a word says of the nesting after it.

/// A word, by what may follow and what ends before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A name, a number or a value that has a word.
    Operand,
    /// Goes on with the value before it.
    Infix,
    /// `else`.
    Else,
    /// Nests a statement after a head in brackets.
    Head,
    /// Begins a statement and nothing else.
    Statement,
    /// Nests the value or statement after it.
    Prefix,
    /// `class`, which may stand behind what decorates it.
    Class,
    /// A name, or a word that a value follows.
    Either,
    /// A name, or a word that a name or a declaration follows.
    Name,
}

pub(super) fn word(text: &[u8]) -> Word {
    match text {
        b"in" | b"instanceof" | b"as" | b"satisfies" | b"is" | b"extends" | b"implements"
        | b"catch" | b"finally" => Word::Infix,
        b"else" => Word::Else,
        b"if" | b"while" | b"with" | b"for" => Word::Head,
        b"const" | b"var" | b"return" | b"export" | b"switch" | b"try" | b"throw" | b"case"
        | b"default" | b"do" => Word::Statement,
        b"typeof" | b"void" | b"delete" | b"new" | b"import" | b"function" | b"enum" => {
            Word::Prefix
        }
        b"class" => Word::Class,
        b"await" | b"yield" | b"of" | b"async" => Word::Either,
        b"let" | b"keyof" | b"infer" | b"unique" | b"readonly" | b"asserts" | b"abstract"
        | b"accessor" | b"using" | b"type" | b"declare" | b"namespace" | b"module" | b"global"
        | b"get" | b"set" | b"static" | b"out" | b"from" | b"override" | b"public" | b"private"
        | b"protected" | b"interface" => Word::Name,
        _ => Word::Operand,
    }
}
