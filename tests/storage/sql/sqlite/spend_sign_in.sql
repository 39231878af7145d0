INSERT INTO spent_sign_ins (digest, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING;
