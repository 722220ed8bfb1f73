//! What the role may do where the tables are, or are to be.
//!
//! PostgreSQL's own refusals name no statement that would help, and a schema that may not be used looks
//! as if it were not there: taken for that, a missing right would pass for lost data. So whoever finds
//! nothing, or is refused, asks here, and answers with the statement that gives what is lacking.

use super::our_tables;
use crate::error::{Fault, Lack, Outcome};
use crate::session::Session;
use rtmx_core::{Error, Result, storage};
use sqlx::Row;

/// What the driver does with every table.
const USES: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// What the role may do with database and schema.
pub(super) struct Rights {
    /// Both as they are written in a statement.
    role: String,
    database: String,
    may_make_schemas: bool,
    pub(super) schema_exists: bool,
    may_use: bool,
    may_create: bool,
    pub(super) has_log: bool,
    /// How the database keeps text, such as `UTF8`.
    encoding: String,
}

impl Rights {
    pub(super) async fn of(session: &mut Session, schema: &str) -> Outcome<Rights> {
        const ASK: &str = "SELECT quote_ident(current_user), quote_ident(current_database()), \
             has_database_privilege(current_database(), 'CREATE'), n.oid IS NOT NULL, \
             COALESCE(has_schema_privilege(n.oid, 'USAGE'), false), \
             COALESCE(has_schema_privilege(n.oid, 'CREATE'), false), \
             EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'schema_migration'), \
             current_setting('server_encoding') \
             FROM (SELECT) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1";
        let row = session.first(session.statement(ASK).bind(schema)).await?;
        let row =
            row.ok_or_else(|| Error::new(storage::INTERNAL, "PostgreSQL did not say what the role may do"))?;
        Ok(Rights {
            role: row.try_get(0)?,
            database: row.try_get(1)?,
            may_make_schemas: row.try_get(2)?,
            schema_exists: row.try_get(3)?,
            may_use: row.try_get(4)?,
            may_create: row.try_get(5)?,
            has_log: row.try_get(6)?,
            encoding: row.try_get(7)?,
        })
    }

    /// Fails with the statement that would give what is lacking to make the tables.
    pub(super) fn check(&self, schema: &str, place: &str) -> Result<()> {
        let Rights { role, database, encoding, .. } = self;
        if encoding != "UTF8" {
            let message = format!("{place} keeps text as {encoding}, which has no place for every character");
            let next = format!(
                "Use a database made by `CREATE DATABASE name OWNER {role} ENCODING 'UTF8' TEMPLATE template0`."
            );
            return Err(Error::new(storage::STORAGE_UNSUPPORTED, message).with_next(next));
        }
        if !self.schema_exists && !self.may_make_schemas {
            return Err(self.denied(
                schema,
                format!("{place} has no schema `{schema}`, and the role {role} may not make one"),
                format!(
                    "As the database's owner, run `CREATE SCHEMA \"{schema}\" AUTHORIZATION {role}` in it, or `GRANT CREATE ON DATABASE {database} TO {role}`."
                ),
            ));
        }
        match (self.may_use, self.may_create || self.has_log) {
            _ if !self.schema_exists => Ok(()),
            (true, true) => Ok(()),
            (false, false) => Err(self.lacks("USAGE, CREATE", schema, place)),
            (false, true) => Err(self.lacks("USAGE", schema, place)),
            (true, false) => Err(self.lacks("CREATE", schema, place)),
        }
    }

    /// Fails if the schema is there and may not be used: nothing of what is in it can be seen.
    pub(super) fn check_use(&self, schema: &str, place: &str) -> Result<()> {
        if self.schema_exists && !self.may_use { self.check(schema, place) } else { Ok(()) }
    }

    fn lacks(&self, what: &str, schema: &str, place: &str) -> Error {
        let role = &self.role;
        self.denied(
            schema,
            format!("the role {role} lacks {what} on the schema `{schema}` in {place}"),
            format!("As the schema's owner, run `GRANT {what} ON SCHEMA \"{schema}\" TO {role}` in it."),
        )
    }

    fn denied(&self, schema: &str, what: String, next: String) -> Error {
        let error = Error::new(storage::STORAGE_DENIED, what).with_next(next);
        error.with("schema", schema).with("user", &self.role)
    }
}

/// What the role lacks on tables of ours that are there.
#[derive(Default)]
struct Lacking {
    /// Tables on which it lacks something that the driver does.
    closed: Vec<String>,
    /// What it lacks on one of them at least.
    uses: Vec<&'static str>,
    /// Tables that belong to somebody else.
    owned_by_others: Vec<String>,
}

impl Lacking {
    async fn of(session: &mut Session, schema: &str) -> Outcome<Lacking> {
        const ASK: &str = "SELECT c.relname::text, pg_catalog.pg_has_role(c.relowner, 'USAGE'), \
             has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'), \
             has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE') \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p') ORDER BY c.relname";
        let mut lacking = Lacking::default();
        let mut lacks = [false; USES.len()];
        for row in session.rows(session.statement(ASK).bind(schema).bind(our_tables())).await? {
            let table: String = row.try_get(0)?;
            let mut is_closed = false;
            for (number, lacks) in lacks.iter_mut().enumerate() {
                let may: bool = row.try_get(2 + number)?;
                *lacks |= !may;
                is_closed |= !may;
            }
            if !row.try_get::<bool, _>(1)? {
                lacking.owned_by_others.push(table.clone());
            }
            if is_closed {
                lacking.closed.push(table);
            }
        }
        lacking.uses =
            USES.into_iter().zip(lacks).filter(|(_, lacks)| *lacks).map(|(use_, _)| use_).collect();
        Ok(lacking)
    }

    /// What is wrong, and the statement that helps.
    fn to_use(&self, role: &str, schema: &str) -> Option<(String, String)> {
        let (uses, tables) = (self.uses.join(", "), self.closed.join("`, `"));
        (!self.closed.is_empty()).then(|| {
            let all = USES.join(", ");
            (
                format!("the role {role} lacks {uses} on tables of the schema `{schema}`: `{tables}`"),
                format!("As the owner of the tables, run `GRANT {all} ON ALL TABLES IN SCHEMA \"{schema}\" TO {role}`."),
            )
        })
    }

    /// The same, for a migration, which changes tables.
    fn to_change(&self, role: &str, schema: &str) -> Option<(String, String)> {
        let tables = self.owned_by_others.join("`, `");
        (!self.owned_by_others.is_empty()).then(|| {
            let give = |table: &String| format!("ALTER TABLE \"{schema}\".\"{table}\" OWNER TO {role}");
            let give: Vec<String> = self.owned_by_others.iter().map(give).collect();
            (
                format!("tables of the schema `{schema}` do not belong to the role {role}: `{tables}`"),
                format!("As a superuser, or as their owner, run `{}`.", give.join("; ")),
            )
        })
    }
}

/// What the role lacks for daily work, as a sentence with the statement that helps.
pub(super) async fn lacking(session: &mut Session, schema: &str, place: &str) -> Outcome<Option<String>> {
    let found = Lacking::of(session, schema).await?;
    if found.closed.is_empty() {
        return Ok(None);
    }
    let rights = Rights::of(session, schema).await?;
    let told = found.to_use(&rights.role, schema);
    Ok(told.map(|(what, next)| format!("in {place}, {what}. {next}")))
}

/// The fault with what would help, if it is about a right or about what cannot be seen. The session has
/// no transaction.
pub(crate) async fn explain(
    session: &mut Session,
    schema: &str,
    place: &str,
    attempted: &str,
    fault: Fault,
) -> Fault {
    let Some(lack) = fault.lack() else { return fault };
    let asked = async {
        // Behind a pooler a question of two messages may reach two servers without one.
        session.script("BEGIN READ ONLY".into()).await?;
        let rights = Rights::of(session, schema).await?;
        let tables = Lacking::of(session, schema).await?;
        session.script("ROLLBACK".into()).await?;
        Ok::<_, Fault>((rights, tables))
    };
    let Ok((rights, tables)) = asked.await else { return fault };
    let refusal = refusal(lack, &rights, &tables, schema, place);
    let Some(refusal) = refusal else { return fault };
    let message = format!("could not {attempted}: {}", refusal.message());
    let mut error = Error::new(refusal.code(), message).with_next(refusal.next());
    for (name, value) in refusal.context() {
        error = error.with(name, value);
    }
    error.with_source(fault).into()
}

fn refusal(lack: Lack, rights: &Rights, tables: &Lacking, schema: &str, place: &str) -> Option<Error> {
    if let Err(error) = rights.check(schema, place) {
        return Some(error);
    }
    if lack == Lack::Table {
        let message = format!("a table of the schema `{schema}` in {place} is not there any more");
        return Some(Error::new(storage::SCHEMA_BEHIND, message));
    }
    let role = &rights.role;
    let told = tables.to_use(role, schema).or_else(|| tables.to_change(role, schema));
    match told {
        Some((what, next)) => Some(rights.denied(schema, format!("in {place}, {what}"), next)),
        None if !rights.may_create => Some(rights.lacks("CREATE", schema, place)),
        None => None,
    }
}
