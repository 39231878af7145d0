UPDATE mail_pause SET paused_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE mail_pause.paused_until <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;

SELECT mail_pause.id
FROM mail_pause;
