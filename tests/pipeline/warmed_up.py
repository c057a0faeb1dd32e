"""Loaded by the server that children are forked from: what each would otherwise read for itself first."""

from pipeline.body import load_trafilatura
from pipeline.store import _read_models

load_trafilatura()
_read_models().load_service_model("s3", "service-2")
