/** Environments with their home, their newest and their live boot, and the operation that holds them. */
export const SELECT = `
SELECT e.*, c.operation_id AS operation_id,
  b.environment_id AS boot_environment_id, b.ordinal AS boot_ordinal, b.started_at AS boot_started_at,
  l.id AS live_boot_id, l.record AS live_boot_record, l.journal_path AS live_boot_journal_path,
  h.environment_id AS home_environment_id, h.made_at AS home_made_at, h.gone_at AS home_gone_at
FROM environments e
LEFT JOIN homes h ON h.id = e.home_id
LEFT JOIN boots b ON b.id = e.boot_id
LEFT JOIN boots l ON l.environment_id = e.id AND l.ended_at IS NULL
LEFT JOIN claims c ON c.environment_id = e.id AND c.mode = 'exclusive' AND c.released_at IS NULL`

/**
 * By id, destroyed ones too. The `+` hides the parameter from the planner: SQLite plans a join anew whenever a value is
 * bound to a parameter that it sees, which costs eight times the look-up itself.
 */
export const FIND = `${SELECT} WHERE e.id = +@id`

/** Live ones alone, each found by an index. */
export const FIND_LIVE = `${FIND} AND e.destroyed_at IS NULL`
export const FIND_LIVE_BY_NAME = `${SELECT} WHERE e.name = +@name AND e.destroyed_at IS NULL`

/** One that the environment points at, and that is in nobody's record, is its own too. */
export const HOMES_OF = `
SELECT id FROM homes WHERE environment_id = @id AND removed_at IS NULL
UNION
SELECT home_id FROM environments e WHERE id = @id
  AND NOT EXISTS (SELECT 1 FROM homes WHERE id = e.home_id)
  AND NOT EXISTS (SELECT 1 FROM environments o WHERE o.home_id = e.home_id AND o.id <> e.id AND o.destroyed_at IS NULL)`

const HEX = '[0-9a-f]'
/** Nothing could be asked of a row without one. */
export const HAS_ID = `e.id GLOB 'env-${HEX.repeat(8)}'`

/**
 * What resizes that are under way will have added to column `of`, once they have ended: it is given away already.
 * `where` picks the environments that count.
 */
function underWay({ of, to, where = '1' }: { of: string; to: string; where?: string }): string {
  return `(SELECT COALESCE(SUM(MAX(json_extract(r.params, '$.${to}') - g.${of}, 0)), 0)
    FROM operations r JOIN environments g ON g.id = r.environment_id
    WHERE r.status = 'running' AND r.kind = 'resize' AND ${where})`
}

/** What is given to resizes under way, in MiB. */
export const GROWING_HOMES = underWay({ of: 'home_mib', to: 'homeMiB' })
export const GROWING_MEMORY = underWay({ of: 'memory_mib', to: 'memoryMiB', where: "g.desired = 'running'" })

/**
 * What guests of drills have, in MiB: as long as one may be there, its memory is nobody else's, also after a drill that
 * could not end its guest.
 */
export const DRILLING_MEMORY = `(SELECT COALESCE(SUM(g.memory_mib), 0)
    FROM scratch_guests s JOIN operations d ON d.id = s.operation_id JOIN environments g ON g.id = s.environment_id
    WHERE s.removed_at IS NULL AND d.kind = 'drill')`

/** Of it, what running drills of one environment have: they give way to whatever brings it up. */
export const GIVING_WAY_MEMORY = `
SELECT COALESCE(SUM(g.memory_mib), 0) AS memoryMiB
FROM scratch_guests s JOIN operations d ON d.id = s.operation_id JOIN environments g ON g.id = s.environment_id
WHERE s.removed_at IS NULL AND d.kind = 'drill' AND d.status = 'running' AND s.environment_id = @id`

/**
 * The limits are conditions of the insert itself, so that of any number of concurrent spawns no more than they
 * allow can exist. The guest's uid is the lowest free one.
 */
export const INSERT = `
WITH live AS (SELECT * FROM environments WHERE destroyed_at IS NULL),
free (uid) AS (
  SELECT MIN(candidate) FROM (
    SELECT @uidBase AS candidate
    UNION ALL
    SELECT guest_uid + 1 FROM environments WHERE destroyed_at IS NULL AND guest_uid >= @uidBase
  ) WHERE NOT EXISTS (SELECT 1 FROM environments WHERE destroyed_at IS NULL AND guest_uid = candidate)
)
INSERT INTO environments
  (id, name, owner, image, driver, cpus, memory_mib, home_mib, home_id, desired, observed, observed_at, generation,
   guest_uid, is_protected, labels, startup_summary, created_at)
SELECT @id, @name, o.name, @image, @driver, @cpus, @memoryMiB, @homeMiB, @homeId, 'running', @observed, @now, 1,
  free.uid, 0, @labels, @startupSummary, @now
FROM owners o, free
WHERE o.name = @owner AND o.is_active = 1
  AND (o.max_environments IS NULL OR (SELECT COUNT(*) FROM live WHERE owner = o.name AND is_counted = 1) < o.max_environments)
  AND (@maxEnvironments IS NULL OR (SELECT COUNT(*) FROM live) < @maxEnvironments)
  AND (@maxMemoryMiB IS NULL
    OR (SELECT COALESCE(SUM(memory_mib), 0) FROM live WHERE desired = 'running') + ${GROWING_MEMORY} + ${DRILLING_MEMORY}
      + @memoryMiB <= @maxMemoryMiB)
  AND (@maxHomeMiB IS NULL
    OR (SELECT COALESCE(SUM(home_mib), 0) FROM live) + ${GROWING_HOMES} + @homeMiB <= @maxHomeMiB)
  AND free.uid < @uidBase + @uidCount`

/** Destroyed long ago, without an operation that is kept, and without a home or guest that may still be there. */
export const FORGETTABLE = `
SELECT id FROM environments e
WHERE destroyed_at < @before
  AND NOT EXISTS (SELECT 1 FROM operations WHERE environment_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM boots WHERE environment_id = e.id AND ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM homes WHERE environment_id = e.id AND made_at IS NOT NULL AND removed_at IS NULL)
LIMIT 1000`

/** In the order that the references between the tables ask for. */
export const FORGET = [
  'UPDATE environments SET boot_id = NULL WHERE id = @id',
  'DELETE FROM tickets WHERE environment_id = @id',
  'DELETE FROM startups WHERE environment_id = @id',
  'DELETE FROM console_gaps WHERE boot_id IN (SELECT id FROM boots WHERE environment_id = @id)',
  'DELETE FROM boots WHERE environment_id = @id',
  'DELETE FROM backup_states WHERE environment_id = @id',
  'DELETE FROM kept_homes WHERE environment_id = @id',
  'DELETE FROM homes WHERE environment_id = @id',
  'DELETE FROM environments WHERE id = @id',
]
