"""The land cycle 土地全周期: all records on one project, parcel or area, linked by codes and by space."""
