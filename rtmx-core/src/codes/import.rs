//! Codes of import and export.

crate::code::codes! {
    CSV_NOT_UTF8 = "csv_not_utf8", InvalidInput, 422, exit 1,
        "the file is not UTF-8 text",
        "The bytes at the row and column that the message names are not valid UTF-8.",
        "Save the file as UTF-8 and import it again; nothing was changed.";
    CSV_NO_HEADER = "csv_no_header", InvalidInput, 422, exit 1,
        "the file has no usable header",
        "The first row must name at least the column `req_id`.",
        "Add the header row; nothing was changed.";
    CSV_MALFORMED = "csv_malformed", InvalidInput, 422, exit 1,
        "the file is not CSV",
        "A quoted field is not closed, or a row cannot be told from the next.",
        "Correct the row that the message names; nothing was changed.";
    CSV_TOO_LARGE = "csv_too_large", InvalidInput, 413, exit 1,
        "the file is larger than one import may be",
        "One import holds at most 64 MiB and 250,000 rows.",
        "Split the file; nothing was changed.";
    CSV_ROW_WITHOUT_ID = "csv_row_without_id", InvalidInput, 422, exit 1,
        "a row has no requirement id",
        "Every row needs a value in the column `req_id`.",
        "Fill in the id in the rows that the message names; nothing was changed.";
    CSV_DUPLICATE_ID = "csv_duplicate_id", InvalidInput, 422, exit 1,
        "several rows have the same requirement id",
        "A requirement is one row. Files that have a row for each test can be merged into one requirement with several test links.",
        "Correct the rows that the message names, or import with `duplicates=merge`; nothing was changed.";
    CSV_ID_INVALID = "csv_id_invalid", InvalidInput, 422, exit 1,
        "a row has an id that cannot be stored",
        "An id, and the name of a test link (id, module and function together), has 1 to 512 bytes and no control characters.",
        "Correct the rows that the message names; nothing was changed.";
    REQUIREMENT_INVALID = "requirement_invalid", InvalidInput, 422, exit 1,
        "a value does not fit its column",
        "An edit is checked where an import is lenient: status and priority are names that RTMX knows, a phase is a whole number from 1 up, an effort a number greater than zero, a date is written like 2026-01-31, and an id never changes.",
        "Correct the value that the message names; nothing was changed.";
    MARKDOWN_INVALID = "markdown_invalid", InvalidInput, 422, exit 1,
        "the text is not a requirement document",
        "A requirement document begins with a heading `# REQ-ID: Title`.",
        "Correct the heading; nothing was changed.";
}
