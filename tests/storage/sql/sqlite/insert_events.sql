INSERT INTO events (run_id, sequence, type, occurred_at) SELECT added.run_id, added.sequence, added.type, added.occurred_at
FROM (SELECT json_extract(anon_1.value, '$[0]') AS run_id, json_extract(anon_1.value, '$[1]') AS sequence, json_extract(anon_1.value, '$[2]') AS type, json_extract(anon_1.value, '$[3]') AS occurred_at
FROM json_each(?) AS anon_1) AS added
WHERE 1 = 1;
