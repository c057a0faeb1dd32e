"""The Archive pages in Airflow's UI: a plugin with a FastAPI app, behind Airflow's own log-in and permissions."""
