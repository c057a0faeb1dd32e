"""Airflow reads here the DAGs of sites 801 to 1000, by id; see dags/factory.py."""

from dags.factory import build_dags

globals().update(build_dags(group=4))
