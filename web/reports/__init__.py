"""The answer of an analysis as documents for the file: DOCX, PDF, XLSX, and a package that can be run again."""
