-- What CREATE EXTENSION leaves behind.
SELECT extname, extrelocatable FROM pg_extension WHERE extname = 'pg_quantize';
CREATE EXTENSION pg_quantize;
