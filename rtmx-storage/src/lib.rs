//! Storage backends of RTMX: the trait, queries, migrations, archives, import and export.
