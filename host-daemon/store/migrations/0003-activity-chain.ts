import { CHAIN_START } from '../../../src-shared/model/activity.ts'
import type { Migration } from '../migrate.ts'
import { detailText, hashOfEntry, toFacts, type ActivityRow } from '../activity-row.ts'

const TABLE = `
CREATE TABLE activity_chain (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  user TEXT,
  uid INTEGER,
  role TEXT,
  claimed_actor TEXT,
  request_id TEXT,
  operation_id TEXT,
  environment_id TEXT,
  environment_name TEXT,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;`

const SOURCE = `
SELECT ROW_NUMBER() OVER (ORDER BY a.seq) AS seq, a.at, a.user, a.uid, a.role, a.claimed_actor, a.request_id,
  a.operation_id, a.environment_id, e.name AS environment_name, a.action, a.outcome, a.detail
FROM activity a LEFT JOIN environments e ON e.id = a.environment_id ORDER BY a.seq`

const INSERT = `
INSERT INTO activity_chain VALUES (@seq, @at, @user, @uid, @role, @claimed_actor, @request_id, @operation_id,
  @environment_id, @environment_name, @action, @outcome, @detail, @hash)`

const REPLACE = `
DROP TRIGGER activity_keeps_rows;
DROP TRIGGER activity_keeps_content;
DROP TABLE activity;
ALTER TABLE activity_chain RENAME TO activity;
CREATE INDEX activity_environment ON activity (environment_id, seq);
CREATE INDEX activity_operation ON activity (operation_id, seq);
CREATE INDEX activity_request ON activity (request_id, seq);
CREATE TRIGGER activity_keeps_rows BEFORE DELETE ON activity
BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;
CREATE TRIGGER activity_keeps_content BEFORE UPDATE ON activity
BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;`

/** Chains the record: rows that are there are numbered without holes and hashed in their order. */
export const activityChain: Migration = {
  version: 3,
  name: 'activity chain',
  up: (raw) => {
    raw.exec(TABLE)
    const insert = raw.prepare(INSERT)
    let previous = CHAIN_START.hash
    for (const row of raw.prepare<[], ActivityRow>(SOURCE).all()) {
      const detail = detailText(toFacts(row).detail)
      previous = hashOfEntry(previous, toFacts({ ...row, detail }))
      insert.run({ ...row, detail, hash: previous })
    }
    raw.exec(REPLACE)
  },
}
