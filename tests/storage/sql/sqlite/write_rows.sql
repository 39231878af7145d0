INSERT INTO events (sequence, type, occurred_at, run_id) SELECT added.sequence, added.type, added.occurred_at, added.run_id
FROM (SELECT json_extract(anon_1.value, '$[0]') AS sequence, json_extract(anon_1.value, '$[1]') AS type, json_extract(anon_1.value, '$[2]') AS occurred_at, json_extract(anon_1.value, '$[3]') AS run_id
FROM json_each(?) AS anon_1) AS added
WHERE 1 = 1;
