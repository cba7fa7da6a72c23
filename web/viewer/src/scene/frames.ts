/** Level frames around a place: east, north and up. */

import { Cartesian3, Ellipsoid, Matrix4, Transforms } from "cesium";

export function upOf(point: Cartesian3): Cartesian3 {
  return Ellipsoid.WGS84.geodeticSurfaceNormal(point, new Cartesian3());
}

export function frameAt(point: Cartesian3): Matrix4 {
  return Transforms.eastNorthUpToFixedFrame(point);
}

/** A point in metres of a frame. */
export function inFrame(frame: Matrix4, point: Cartesian3): Cartesian3 {
  return Matrix4.multiplyByPoint(Matrix4.inverseTransformation(frame, new Matrix4()), point, new Cartesian3());
}
