//! The same rows from elsewhere: lines to paste into a shell, DuckDB, pandas and polars.

use leptos::prelude::*;
use model::DatasetDetail;

use crate::{components::snippet, shell::Viewer};

pub fn tab(viewer: &Viewer, detail: &DatasetDetail) -> AnyView {
    let base = &viewer.context.base_url;
    let name = &detail.dataset.name;
    let (unit, short) = (name.unit(), name.name());
    let sql = format!("select * from {name}");
    let curl_rows = format!(
        "curl -H \"Authorization: Bearer $PENSTOCK_TOKEN\" \\\n  \"{base}/api/v1/datasets/{unit}/{short}/rows?limit=100\""
    );
    let run = format!(
        "id=$(curl -s -H \"Authorization: Bearer $PENSTOCK_TOKEN\" \\\n  \
         -H 'Content-Type: application/json' \\\n  -d '{{\"sql\": \"{sql}\"}}' \\\n  {base}/api/v1/query | jq -r .id)"
    );
    let curl_file = format!(
        "{run}\n\ncurl -H \"Authorization: Bearer $PENSTOCK_TOKEN\" -o {short}.parquet \\\n  \
         \"{base}/api/v1/results/$id/download?format=parquet\""
    );
    let duckdb = format!(
        "INSTALL httpfs; LOAD httpfs;\nCREATE SECRET penstock (\n  TYPE http, SCOPE '{base}',\n  BEARER_TOKEN 'pk_…'\n);\n\
         -- ID is the answer's \"id\" of POST /api/v1/query\nSELECT * FROM read_parquet(\n  \
         '{base}/api/v1/results/ID/download?format=parquet'\n);"
    );
    let python = |import: &str, read: &str| {
        format!(
            "import io, os, requests\n{import}\n\nhttp = requests.Session()\n\
             http.headers[\"Authorization\"] = \"Bearer \" + os.environ[\"PENSTOCK_TOKEN\"]\n\
             base = \"{base}/api/v1\"\n\n\
             query = http.post(base + \"/query\", json={{\"sql\": \"{sql}\"}})\nquery.raise_for_status()\n\
             url = f\"{{base}}/results/{{query.json()['id']}}/download\"\nresult = http.get(url, params={{\"format\": \"parquet\"}})\n\
             {short} = {read}(io.BytesIO(result.content))\n"
        )
    };
    view! {
        <p class="note">
            "Everything here runs with your own rights. Make a token on "
            <a href="/account#tokens">"your account page"</a>
            " and keep it in "<code>"PENSTOCK_TOKEN"</code>". All calls are in the "
            <a href="/api/docs">"API reference"</a>"."
        </p>
        <div class="snippets">
            {snippet("Shell · a page of rows as JSON", curl_rows)}
            {snippet("Shell · everything as Parquet", curl_file)}
            {snippet("Python · pandas", python("import pandas as pd", "pd.read_parquet"))}
            {snippet("Python · polars", python("import polars as pl", "pl.read_parquet"))}
            {snippet("DuckDB", duckdb)}
        </div>
    }
    .into_any()
}
