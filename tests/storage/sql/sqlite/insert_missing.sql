INSERT INTO projects (account_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING;

SELECT projects.id, projects.account_id, projects.name
FROM projects
WHERE (projects.account_id, projects.name) IN (VALUES (?, ?));

INSERT INTO environments (account_id, project_id, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

SELECT environments.id, environments.account_id, environments.project_id, environments.name
FROM environments
WHERE environments.project_id IN (?);

INSERT INTO jobs (account_id, environment_id, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;
