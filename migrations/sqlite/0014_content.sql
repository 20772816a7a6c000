-- What was published of articles, templates and prompts, and what a file said before it was replaced. Files are the source.
CREATE TABLE content_versions (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,                 -- article | template | prompt
  name TEXT NOT NULL,                 -- the file's path inside its folder
  version INTEGER NOT NULL,           -- counted from 1
  text TEXT NOT NULL,
  hash TEXT NOT NULL,                 -- SHA-256 of the text
  origin TEXT NOT NULL,               -- desk | folder | shipped
  written_by TEXT,                    -- null for what was found in the folder, or shipped
  at INTEGER NOT NULL,
  back_to INTEGER,                    -- the version whose text it took up again
  PRIMARY KEY (tenant, kind, name, version)
) STRICT;

-- What somebody writes and has not published; one for each file.
CREATE TABLE content_drafts (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  text TEXT NOT NULL,
  base TEXT NOT NULL,                 -- the hash of the file that it began from; empty where there was none
  rev INTEGER NOT NULL,
  written_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, name)
) STRICT;
