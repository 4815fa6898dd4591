//! `hexclave-bridge supabase policies`

use clap::Args;
use hexclave_supabase::policies::{Access, Column, GUIDE, Policies, Team};
use serde_json::json;

use crate::{failure::Failure, output};

#[derive(Args, Debug)]
pub(crate) struct PoliciesArgs {
    /// The table, which exists and has no policies yet: notes, or app.notes for one that is not in the schema public
    #[arg(required_unless_present = "guide")]
    table: Option<String>,
    /// Everybody reads all rows, signed in or not
    #[arg(long)]
    public_read: bool,
    /// Users read and write the rows whose column holds their id; the column is a uuid unless :text stands behind it
    #[arg(long, value_name = "COLUMN[:text]", value_parser = column)]
    owner: Vec<Column>,
    /// Users read those rows
    #[arg(long, value_name = "COLUMN[:text]", value_parser = column)]
    owner_reads: Vec<Column>,
    /// Users read and write the rows of the teams that their token lists
    #[arg(long, value_name = "COLUMN[:text]", value_parser = column)]
    team: Vec<Column>,
    /// Users read those rows
    #[arg(long, value_name = "COLUMN[:text]", value_parser = column)]
    team_reads: Vec<Column>,
    /// A row's team has to be the one that the user has selected, and not any of theirs
    #[arg(long)]
    selected_team: bool,
    /// Anonymous users are refused whatever else lets them in
    #[arg(long)]
    refuse_anonymous: bool,
    /// Users who have not shown a second factor are refused whatever else lets them in
    #[arg(long)]
    require_mfa: bool,
    /// Print the table of Hexclave's guide "Supabase Setup" with policies that allow what the guide says and no more
    #[arg(long, exclusive = true)]
    guide: bool,
    /// Print JSON: {"sql": …}
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints the SQL of a table's policies.
pub(super) fn run(args: &PoliciesArgs) -> Result<(), Failure> {
    let sql = match &args.table {
        Some(table) => of_table(table, args).to_sql()?,
        None => GUIDE.to_owned(),
    };
    if args.json {
        output::line(json!({ "sql": sql }));
    } else {
        output::text(sql);
    }
    Ok(())
}

fn of_table(table: &str, args: &PoliciesArgs) -> Policies {
    let (schema, table) = table.split_once('.').unwrap_or(("public", table));
    let mut policies = Policies::on(schema, table);
    if args.public_read {
        policies = policies.public_read();
    }
    for (columns, access) in [
        (&args.owner, Access::ReadWrite),
        (&args.owner_reads, Access::Read),
    ] {
        for column in columns {
            policies = policies.owner_rows(column.clone(), access);
        }
    }
    let team = if args.selected_team {
        Team::Selected
    } else {
        Team::Any
    };
    for (columns, access) in [(&args.team, Access::ReadWrite), (&args.team_reads, Access::Read)] {
        for column in columns {
            policies = policies.team_rows(column.clone(), team, access);
        }
    }
    if args.refuse_anonymous {
        policies = policies.refuse_anonymous();
    }
    if args.require_mfa {
        policies = policies.require_mfa();
    }
    policies
}

fn column(text: &str) -> Result<Column, &'static str> {
    match text.split_once(':') {
        None => Ok(Column::uuid(text)),
        Some((name, "uuid")) => Ok(Column::uuid(name)),
        Some((name, "text")) => Ok(Column::text(name)),
        Some(_) => Err("the type of the column is uuid or text"),
    }
}
