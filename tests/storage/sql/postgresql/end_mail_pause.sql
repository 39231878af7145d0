DELETE FROM mail_pause WHERE mail_pause.id = $1::SMALLINT;
