UPDATE standings SET failure_id=?, failed_run_id=?, latest_id=?, newest_started_at=?, newest_run_id=?, is_well=? WHERE standings.webhook_id = ? AND standings.job_id = ?;
