"""City models: CityJSON, CityGML and single meshes become layers of city objects with their shapes."""
