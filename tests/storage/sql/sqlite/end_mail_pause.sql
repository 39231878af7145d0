DELETE FROM mail_pause WHERE mail_pause.id = ?;
