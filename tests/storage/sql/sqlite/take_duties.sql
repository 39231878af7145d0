WITH free AS
(SELECT duties.name AS name
FROM duties
WHERE duties.name IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) AND (duties.holder = ? OR duties.held_until <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 OR duties.held_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? + ?) ORDER BY duties.name)
 UPDATE duties SET holder=?, held_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE duties.name IN (SELECT free.name
FROM free) RETURNING name;
