INSERT INTO duties (name, holder, held_until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;
