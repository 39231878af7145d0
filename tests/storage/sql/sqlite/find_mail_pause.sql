SELECT mail_pause.paused_since, mail_pause.why
FROM mail_pause;
