"""Events as bytes: Avro in Confluent's wire format, headers, and the registry that numbers the schemas."""

from tradewire.runtime.codec.events import MAGIC_BYTE, PREFIX, Codec, schema_set
from tradewire.runtime.codec.schema_ids import SchemaIds, UnknownSchemaIdError

__all__ = ["MAGIC_BYTE", "PREFIX", "Codec", "SchemaIds", "UnknownSchemaIdError", "schema_set"]
