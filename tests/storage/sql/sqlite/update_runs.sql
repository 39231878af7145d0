UPDATE runs SET dbt_version=?, status=?, status_message=?, outcome=?, results=?, steps=?, progress=?, event_count=?, finished_at=?, cancel_requested_at=?, is_late=?, lost_at=? WHERE runs.id = ?;
